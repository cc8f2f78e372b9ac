"""Do maps tell something of the code, and does it lie on the code's label?"""
