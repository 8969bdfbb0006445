"""What answers look like; they only show, and take nothing in (that is `forms.py`)."""
