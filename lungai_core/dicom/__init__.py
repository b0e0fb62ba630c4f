"""CT series in, DICOM objects out: index, validate, decode, and write SEG and SR."""
