// Starts a page that only shows: its runs are in the file.

opened(unpacked());
