"""Do tokens mean what stands in their own patch of the frame?"""
