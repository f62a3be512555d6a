"""Runs plans: engines, receipts, manifests, resume, reports and the command line (floor 4)."""
