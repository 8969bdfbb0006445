"""How much time a page takes, as ratios within one run: `make bench`, never as a timed test."""
