"""Telling a person, or what stands for one, that something needs a look: signed webhooks out."""
