"""Cognito's triggers at AWS Lambda: what they are shipped as, how new code gets there, and whether it does its work."""
