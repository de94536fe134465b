"""Replies to values with evidence."""
