"""The applications of OTB and OTBTF that the tutorial uses, one module each."""
