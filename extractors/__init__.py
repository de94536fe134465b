"""Bytes in, record out. No Prefect and no database; `pipeline` tells the journey in order."""
