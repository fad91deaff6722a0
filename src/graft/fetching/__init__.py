"""Files of the public web, under guard: public addresses only, bounded in bytes and time, few at a time."""
