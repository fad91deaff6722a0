"""What answers: heads that are loaded and asked, without what learns."""
