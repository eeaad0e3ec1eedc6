//! The file tree of a card with power: each file has a place that stays its own until it is deleted.

use std::collections::BTreeSet;

use crate::lab::image::{Body, FileImage, Hex, Inconsistency};
use crate::wire::Fid;

/// The place of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// How deep directories may be nested.
const MAX_DEPTH: usize = 8;

/// A file in the tree. The list of files in its image is empty; they have places of their own.
#[derive(Clone)]
struct Node {
    file: FileImage,
    parent: Option<NodeId>,
    children: Vec<NodeId>,
}

/// All files of a card.
#[derive(Clone)]
pub(super) struct Files {
    nodes: Vec<Option<Node>>,
    memory: u32,
    /// Stands in for a file whose place is empty, which no caller can name.
    nothing: FileImage,
}

impl Files {
    /// Gives every file a place.
    pub(super) fn from_image(mf: FileImage, memory: u32) -> Result<Self, Inconsistency> {
        if mf.fid != Fid::MF || !matches!(mf.body, Body::Directory { .. }) {
            return Err(Inconsistency::NoMf);
        }
        let nothing = FileImage::new(Fid::MF, Body::Directory { total_size: Some(0), files: Vec::new() });
        let mut files = Self { nodes: Vec::new(), memory, nothing };
        files.place(mf, None, 0)?;
        let mut aids = BTreeSet::new();
        for id in files.all() {
            let file = files.file(id);
            if let Some(aid) = &file.aid
                && !aids.insert(aid.clone())
            {
                return Err(Inconsistency::DoubledAid(Hex(aid.clone())));
            }
            if files.is_directory(id) && files.overfull(id) {
                return Err(Inconsistency::NoSpace(file.fid));
            }
        }
        Ok(files)
    }

    fn place(
        &mut self,
        mut file: FileImage,
        parent: Option<NodeId>,
        depth: usize,
    ) -> Result<(), Inconsistency> {
        if depth > MAX_DEPTH {
            return Err(Inconsistency::TooDeep(MAX_DEPTH));
        }
        let inner = match &mut file.body {
            Body::Directory { files, .. } => std::mem::take(files),
            _ => Vec::new(),
        };
        let id = self.add(file, parent);
        for child in inner {
            if self.child(id, child.fid).is_some() {
                return Err(Inconsistency::DoubledFid(child.fid));
            }
            self.place(child, Some(id), depth + 1)?;
        }
        Ok(())
    }

    fn add(&mut self, file: FileImage, parent: Option<NodeId>) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(Some(Node { file, parent, children: Vec::new() }));
        if let Some(parent) = parent.and_then(|p| self.node_mut(p)) {
            parent.children.push(id);
        }
        id
    }

    /// The tree as it would be without power.
    pub(super) fn to_image(&self) -> FileImage {
        self.nested(self.mf())
    }

    fn nested(&self, id: NodeId) -> FileImage {
        let mut file = self.file(id).clone();
        if let Body::Directory { files, .. } = &mut file.body {
            *files = self.children(id).iter().map(|child| self.nested(*child)).collect();
        }
        file
    }

    /// The master file.
    pub(super) fn mf(&self) -> NodeId {
        NodeId(0)
    }

    /// Octets that files may take up in all.
    pub(super) fn memory(&self) -> u32 {
        self.memory
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)?.as_ref()
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0)?.as_mut()
    }

    /// A file.
    pub(super) fn file(&self, id: NodeId) -> &FileImage {
        self.node(id).map_or(&self.nothing, |node| &node.file)
    }

    /// A file, to be changed.
    pub(super) fn file_mut(&mut self, id: NodeId) -> Option<&mut FileImage> {
        self.node_mut(id).map(|node| &mut node.file)
    }

    /// The directory that a file is in; none for the MF.
    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id)?.parent
    }

    /// The files in a directory, in the order of their creation.
    pub(super) fn children(&self, id: NodeId) -> &[NodeId] {
        self.node(id).map_or(&[], |node| &node.children)
    }

    /// The file of that identifier in a directory.
    pub(super) fn child(&self, directory: NodeId, fid: Fid) -> Option<NodeId> {
        self.children(directory).iter().copied().find(|id| self.file(*id).fid == fid)
    }

    /// True for MF, DF and application directory.
    pub(super) fn is_directory(&self, id: NodeId) -> bool {
        matches!(self.file(id).body, Body::Directory { .. })
    }

    /// Every file, directories before what is in them.
    pub(super) fn all(&self) -> Vec<NodeId> {
        let mut list = vec![self.mf()];
        let mut at = 0;
        while let Some(id) = list.get(at).copied() {
            list.extend_from_slice(self.children(id));
            at += 1;
        }
        list
    }

    /// Puts a new file into a directory.
    pub(super) fn insert(&mut self, directory: NodeId, file: FileImage) -> NodeId {
        self.add(file, Some(directory))
    }

    /// Takes a file out, with everything in it.
    pub(super) fn remove(&mut self, id: NodeId) {
        for child in self.children(id).to_vec() {
            self.remove(child);
        }
        if let Some(parent) = self.parent(id).and_then(|p| self.node_mut(p)) {
            parent.children.retain(|child| *child != id);
        }
        if let Some(place) = self.nodes.get_mut(id.0) {
            *place = None;
        }
    }

    /// Octets that new files in a directory may take up.
    pub(super) fn free(&self, directory: NodeId) -> u32 {
        let used = self.used(directory);
        match (&self.file(directory).body, self.parent(directory)) {
            (Body::Directory { total_size: Some(total), .. }, _) => total.saturating_sub(used),
            (_, Some(parent)) => self.free(parent),
            (_, None) => self.memory.saturating_sub(used),
        }
    }

    fn overfull(&self, directory: NodeId) -> bool {
        let space = match (&self.file(directory).body, self.parent(directory)) {
            (Body::Directory { total_size: Some(total), .. }, _) => *total,
            (_, None) => self.memory,
            _ => return false,
        };
        self.used(directory) > space
    }

    fn used(&self, directory: NodeId) -> u32 {
        self.children(directory).iter().fold(0, |sum, id| sum.saturating_add(self.cost(*id)))
    }

    /// What a file takes from the space of its directory. A directory with a space of its own takes all of it.
    fn cost(&self, id: NodeId) -> u32 {
        match &self.file(id).body {
            Body::Directory { total_size: Some(total), .. } => *total,
            Body::Directory { .. } => self.used(id),
            body => octets(body),
        }
    }
}

/// Octets that an EF holds; 0 for a directory.
pub(super) fn octets(body: &Body) -> u32 {
    let octets = match body {
        Body::Directory { .. } => 0,
        Body::Transparent(content) => content.len(),
        Body::Records { records, .. } => records.iter().map(Vec::len).sum(),
        Body::Objects { room, .. } => return *room,
    };
    u32::try_from(octets).unwrap_or(u32::MAX)
}
