"""Consistency: does a code keep showing the same thing (protocol step 7)?"""
