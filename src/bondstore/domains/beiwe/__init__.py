"""Beiwe: phone-sensor studies."""
