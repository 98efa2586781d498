"""What swrhook does, one module per use case; Flask and the command line call these."""
