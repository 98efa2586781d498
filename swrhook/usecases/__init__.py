"""One module for each use case; the web and the command line call them."""
