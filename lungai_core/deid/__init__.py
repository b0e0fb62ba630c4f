"""De-identification after DICOM PS3.15 Annex E: profiles, actions, audit, verification."""
