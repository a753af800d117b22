"""The AgentCore runtime that serves Autri: how it is configured, how that is changed, and whether it does its work."""
