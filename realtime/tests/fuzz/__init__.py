"""What a hostile or broken client may send to the socket's address: made by chance from a seed, written byte by byte."""
