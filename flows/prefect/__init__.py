"""Prefect: the flows, bulk runs over a work pool, and deployments. The only room that knows it."""
