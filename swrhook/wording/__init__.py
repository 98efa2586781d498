"""What swrhook says to people, in English and in the languages of its catalogues."""
