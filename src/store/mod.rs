//! SQLite and memory behind the traits that card, dm and job own.
