//! Names of files, titles of tables and words on the command line come from strangers: a terminal is given nothing of theirs
//! that it would act on.

use super::program::bootgate_in;

/// Clears the screen; begins a line of its own; colours, as one character; turns the direction.
const NAME: &str = "a\u{1b}[2J\nok\u{9b}31m\u{202e}b";

#[test]
fn no_control_characters_of_others_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (scr, csv, toml) = (format!("{NAME}.scr"), format!("{NAME}.csv"), format!("{NAME}.toml"));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(&scr, "RST \u{1b}[2J\nNOT \u{1b}[31m\n");
    write(&csv, "iccid,\u{1b}[2Jtitle,\"x\ny\"\n\u{1b}[31m,2,3\n");
    write(&toml, "name = \"\u{1b}[2J\"\n\"k\\u001b[2J\" = 1\n");
    write("columns.toml", "\"colu\\u001bmns\" = 1\n");
    write(
        "cp.xml",
        "<wap-provisioningdoc><characteristic type=\"NAPDEF\"><parm name=\"NAME\" value=\"&#27;[2J\"/></characteristic></wap-provisioningdoc>",
    );
    for (args, exit) in [
        (&["card", "run", "--check", &scr][..], 78),
        (&["card", "run", "--check", "--format", "json", &scr], 78),
        (&["batch", "check", &csv], 78),
        (&["batch", "check", "--format", "json", &csv], 78),
        (&["batch", "check", &csv, "--columns", "columns.toml"], 78),
        (&["profile", "check", &toml], 78),
        (&["profile", "build", &toml, "--as", "cp"], 78),
        (&["profile", "import", "cp.xml"], 1),
        (&["profile", "import", NAME], 2),
        (&["profile", "ddf", NAME], 2),
        (&["decode", NAME], 2),
        (&["config", "check", &toml], 78),
        (&["factory", "verify", NAME, "--digests-only"], 2),
        (&["lab", "phone", "--image", NAME], 2),
        (&["rehearse", "--profile", NAME], 2),
        (&["rehearse", "--route", NAME], 2),
        (&["rehearse", NAME], 2),
        (&[NAME], 2),
        (&["rehearse", &format!("--{NAME}")], 2),
        (&["lab", "card", "--new", NAME], 0),
    ] {
        let ran = bootgate_in(folder.path(), args);
        let shown = ran.shown();
        assert_eq!(ran.exit, exit, "{args:?}: {shown:?}");
        let bad = shown.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(bad, None, "{args:?}: {shown:?}");
        assert!(!shown.is_empty());
    }
    // A line that a name would begin is none.
    for args in
        [&["card", "run", "--check", &scr][..], &["batch", "check", &csv], &["profile", "check", &toml]]
    {
        let ran = bootgate_in(folder.path(), args);
        assert!(!ran.out.lines().any(|line| line.starts_with("ok")), "{}", ran.out);
    }
}
