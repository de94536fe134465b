"""Bytes to page images and the words on them."""
