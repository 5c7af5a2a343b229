"""The ablation section: tables, figures and words about one study, in LaTeX, CSV and HTML."""
