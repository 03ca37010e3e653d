//! The order of the modules: each room imports only from the rooms below it, and there are no import cycles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, UseTree, Visibility};

/// Each room with those that it may import from.
const ROOMS: [(&str, &[&str]); 18] = [
    ("domain", &[]),
    ("private_files", &[]),
    ("clock", &["domain"]),
    ("escape", &[]),
    ("trusted_roots", &[]),
    ("l10n", &["domain"]),
    ("log", &["domain"]),
    ("store", &["domain", "log", "private_files", "trusted_roots"]),
    ("ledger", &["domain", "clock", "private_files", "log", "store"]),
    ("views", &["domain", "log", "store"]),
    ("identity", &["domain", "clock", "log", "private_files"]),
    ("mail", &["domain", "escape", "l10n", "private_files", "trusted_roots"]),
    ("delivery", &["domain", "clock", "store", "ledger", "trusted_roots"]),
    ("config", &["domain", "log", "store", "delivery", "mail", "trusted_roots"]),
    ("app", &["domain", "clock", "private_files", "log", "store", "ledger", "identity", "mail", "delivery", "config"]),
    ("background", &["domain", "clock", "store", "ledger", "mail", "delivery", "app"]),
    (
        "web",
        &[
            "domain", "clock", "escape", "l10n", "log", "store", "ledger", "views", "identity", "mail", "delivery",
            "config", "app",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "clock",
            "escape",
            "private_files",
            "l10n",
            "log",
            "store",
            "ledger",
            "views",
            "identity",
            "mail",
            "delivery",
            "config",
            "app",
            "background",
            "web",
        ],
    ),
];

/// Where a module is, from the crate's root.
type Module = Vec<String>;

/// The imports and re-exports of a file.
#[derive(Default)]
struct Source {
    /// Paths that it uses, in full.
    uses: BTreeSet<Module>,
    /// Names that it re-exports, with where they come from.
    hands_on: BTreeMap<String, Module>,
}

/// The modules of the crate by their place.
struct House(BTreeMap<Module, Source>);

impl House {
    /// Reads sources: path under `src`, text.
    fn read(files: &[(String, String)]) -> Self {
        let modules: BTreeMap<Module, &str> = files.iter().map(|(path, text)| (module(path), text.as_str())).collect();
        let known: BTreeSet<Module> = modules.keys().cloned().collect();
        Self(modules.into_iter().map(|(module, text)| (module.clone(), source(&module, text, &known))).collect())
    }

    /// The module in which what a path names is written.
    fn resolve(&self, path: &[String]) -> Option<Module> {
        let length = (1..=path.len()).rev().find(|length| self.0.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        match rest.first().and_then(|name| self.0[module].hands_on.get(name)) {
            Some(target) => self.resolve(&[target.as_slice(), &rest[1..]].concat()),
            None => Some(module.to_vec()),
        }
    }

    /// The modules that each module imports. Re-exports of a `mod.rs` from its own folder do not count.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        self.0
            .iter()
            .map(|(module, source)| {
                let targets = source.uses.iter().filter_map(|path| self.resolve(path));
                (module, targets.filter(|target| target != module).collect())
            })
            .collect()
    }

    /// Everything that breaks the order.
    fn faults(&self) -> Vec<String> {
        let imports = self.imports();
        let mut faults = Vec::new();
        for (module, targets) in &imports {
            let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| module.first().is_some_and(|own| own == room))
            else {
                continue;
            };
            for target in targets {
                if target[0] != module[0] && !allowed.contains(&target[0].as_str()) {
                    faults.push(format!("{} imports {}", module.join("::"), target.join("::")));
                }
            }
        }
        faults.extend(self.circle(&imports).map(|circle| format!("a circle: {circle}")));
        faults
    }

    /// A cycle of files that import each other, if there is one: what remains when files without imports are removed
    /// repeatedly.
    fn circle(&self, imports: &BTreeMap<&Module, BTreeSet<Module>>) -> Option<String> {
        let mut left: BTreeMap<&Module, BTreeSet<Module>> = imports.clone();
        loop {
            let ends: Vec<Module> =
                left.iter().filter(|(_, targets)| targets.is_empty()).map(|(module, _)| (*module).clone()).collect();
            if ends.is_empty() {
                break;
            }
            for end in ends {
                left.remove(&end);
                for targets in left.values_mut() {
                    targets.remove(&end);
                }
            }
        }
        (!left.is_empty()).then(|| left.keys().map(|module| module.join("::")).collect::<Vec<_>>().join(", "))
    }
}

/// The place of a file under `src`.
fn module(path: &str) -> Module {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

fn source(module: &Module, text: &str, known: &BTreeSet<Module>) -> Source {
    let file: File = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", module.join("/")));
    let mut reader = Reader { place: module.clone(), known, found: Source::default() };
    reader.visit_file(&file);
    reader.found
}

/// Collects what a file uses, tests left out.
struct Reader<'a> {
    place: Module,
    known: &'a BTreeSet<Module>,
    found: Source,
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl Reader<'_> {
    /// A path in full; `None` when it leads out of the crate.
    fn full(&self, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let parent = || self.place.split_last().map(|(_, parent)| parent.to_vec());
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([self.place.as_slice(), rest].concat()),
            "super" if rest.first().is_some_and(|next| next == "super") => {
                let parent = Reader { place: parent()?, known: self.known, found: Source::default() };
                parent.full(rest)
            }
            "super" => Some([parent()?.as_slice(), rest].concat()),
            name => {
                let child = [self.place.as_slice(), &[name.to_owned()]].concat();
                self.known.contains(&child).then(|| [self.place.as_slice(), path].concat())
            }
        }
    }

    fn leaves(tree: &UseTree, before: &[String], found: &mut Vec<(Module, String)>) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => Self::leaves(&path.tree, &with(&path.ident), found),
            UseTree::Name(name) if name.ident == "self" => {
                found.push((before.to_vec(), before.last().cloned().unwrap_or_default()));
            }
            UseTree::Name(name) => found.push((with(&name.ident), name.ident.to_string())),
            UseTree::Rename(name) => found.push((with(&name.ident), name.rename.to_string())),
            UseTree::Glob(_) => found.push((before.to_vec(), String::new())),
            UseTree::Group(group) => group.items.iter().for_each(|tree| Self::leaves(tree, before, found)),
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        // A module inside a file: its names are seen from one step further in.
        if item.content.is_some() {
            self.place.push(item.ident.to_string());
            visit::visit_item_mod(self, item);
            self.place.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut leaves = Vec::new();
        Self::leaves(&item.tree, &[], &mut leaves);
        for (path, name) in leaves {
            let Some(full) = self.full(&path) else { continue };
            let inside = full.starts_with(&self.place) && full.len() > self.place.len();
            if inside && !matches!(item.vis, Visibility::Inherited) {
                self.found.hands_on.insert(name, full);
            } else {
                self.found.uses.insert(full);
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if matches!(names[0].as_str(), "crate" | "super" | "self")
            && names.len() > 1
            && let Some(full) = self.full(&names)
        {
            self.found.uses.insert(full);
        }
        visit::visit_path(self, path);
    }
}

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok);
    files
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "rs") && !entry.path().ends_with("tests.rs"))
        .map(|entry| {
            let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            (path, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn every_room_imports_only_from_rooms_below_it() {
    let house = House::read(&sources());
    let rooms: BTreeSet<&str> = house.0.keys().map(|module| module[0].as_str()).collect();
    let drawn: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).chain(["lib", "main"]).collect();
    assert_eq!(rooms, drawn, "every room is in the drawing");
    assert!(house.imports().values().map(BTreeSet::len).sum::<usize>() > 500, "imports are read");
    assert_eq!(house.faults(), Vec::<String>::new());
}

#[test]
fn a_broken_import_is_found() {
    let break_with = |path: &str, line: &str| {
        let mut sources = sources();
        let text = &mut sources.iter_mut().find(|(each, _)| each == path).unwrap().1;
        text.push_str(line);
        House::read(&sources).faults()
    };
    let up = break_with("domain/grant.rs", "\nuse crate::store::grants::GrantWithNames as Broken;\n");
    assert!(up.contains(&"domain::grant imports store::grants".to_owned()), "{up:?}");
    // In the middle of code, in a group, and through what a folder hands on.
    let inline = break_with("log/merkle.rs", "\nfn broken() { crate::ledger::commands::mail::MAX_ATTEMPTS; }\n");
    assert!(inline.contains(&"log::merkle imports ledger::commands::mail".to_owned()), "{inline:?}");
    let group = break_with("store/files.rs", "\nuse crate::{domain, web};\n");
    assert!(group.contains(&"store::files imports web".to_owned()), "{group:?}");
    let circle = break_with("log/checkpoint.rs", "\nuse super::RecordedEvent as Broken;\n");
    assert!(circle.iter().any(|fault| fault.starts_with("a circle: ")), "{circle:?}");
}
