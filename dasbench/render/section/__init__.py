"""The ablation section: tables, figures and words about one study, as LaTeX, CSV and one HTML page."""
