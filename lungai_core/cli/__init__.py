"""The command ``lungai``: one thin module per area; ``app`` joins them and turns errors into exit codes."""
