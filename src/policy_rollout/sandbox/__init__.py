"""A stand-in for the part of Jira Cloud and Google Sheets that rollouts use. For trials and tests.

It listens on loopback, keeps everything in one SQLite file and has plain pages for people. It is
no product of its own: whatever it does not know, it refuses.
"""
