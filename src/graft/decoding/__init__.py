"""From bytes to arrays: kinds of files, pictures, recordings, texts, archives."""
