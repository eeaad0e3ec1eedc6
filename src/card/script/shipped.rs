//! The scripts that come with this program: the files of `card-scripts`.

use crate::ident::nearest;
/// A script that comes with this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them.
pub const SHIPPED: [Shipped; 6] = [
    Shipped { name: "survey", text: include_str!("../../../card-scripts/survey.scr") },
    Shipped {
        name: "create-bootstrap-tree",
        text: include_str!("../../../card-scripts/create-bootstrap-tree.scr"),
    },
    Shipped { name: "back-up", text: include_str!("../../../card-scripts/back-up.scr") },
    Shipped { name: "restore", text: include_str!("../../../card-scripts/restore.scr") },
    Shipped { name: "erase", text: include_str!("../../../card-scripts/erase.scr") },
    Shipped { name: "lock-for-shipping", text: include_str!("../../../card-scripts/lock-for-shipping.scr") },
];

/// The one of that name.
pub fn shipped(name: &str) -> Option<Shipped> {
    SHIPPED.into_iter().find(|script| script.name == name)
}

/// The name of the one that may have been meant by `name`, a word or the name of a file.
pub fn nearest_shipped(name: &str) -> Option<&'static str> {
    let file = std::path::Path::new(name).file_stem()?.to_str()?.to_owned();
    nearest(&file, SHIPPED.iter().map(|script| script.name))
}

impl Shipped {
    /// What it does, in a line: its first remark behind the header.
    pub fn title(&self) -> &'static str {
        let remark = |line: &'static str| line.strip_prefix("REM ");
        self.text.lines().skip(1).find_map(remark).unwrap_or_default()
    }
}
