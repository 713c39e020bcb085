//! The bill of materials of a release.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use toml::Table;

use super::{PACKAGE, PROGRAM};

/// The bill of materials, in CycloneDX 1.5: every crate that is linked into the binary or helps to build it.
pub(super) fn bill(target: &str) -> Result<String, String> {
    let listed = crate::cargo()
        .args(["tree", "--locked", "--package", PACKAGE, "--target", target, "--edges", "normal,build"])
        .args(["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}|{r}"])
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !listed.status.success() {
        return Err(format!("cargo tree fails:\n{}", String::from_utf8_lossy(&listed.stderr)));
    }
    let lock = crate::root().join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let bill = bill_of(&String::from_utf8_lossy(&listed.stdout), &lock)?;
    serde_json::to_string_pretty(&bill).map(|text| text + "\n").map_err(|error| error.to_string())
}

fn bill_of(tree: &str, lock: &str) -> Result<Value, String> {
    let checksums = checksums_of(lock)?;
    let mut components: BTreeMap<(String, String), Value> = BTreeMap::new();
    let mut version_of_ours = String::new();
    for line in tree.lines() {
        let mut fields = line.split('|');
        let Some((name, version)) = fields.next().and_then(|package| {
            let mut words = package.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        }) else {
            continue;
        };
        if name == PACKAGE {
            version.clone_into(&mut version_of_ours);
            continue;
        }
        let mut component = json!({
            "type": "library",
            "name": name,
            "version": version,
            "purl": format!("pkg:cargo/{name}@{version}"),
            "bom-ref": format!("pkg:cargo/{name}@{version}"),
        });
        let key = (name.to_owned(), version.to_owned());
        let mut set = |field: &str, value| {
            if let Some(object) = component.as_object_mut() {
                object.insert(field.to_owned(), value);
            }
        };
        if let Some(license) = fields.next().filter(|license| !license.is_empty()) {
            // The older way to write a choice.
            set("licenses", json!([{ "expression": license.replace('/', " OR ") }]));
        }
        if let Some(repository) = fields.next().filter(|repository| !repository.is_empty()) {
            set("externalReferences", json!([{ "type": "vcs", "url": repository }]));
        }
        if let Some(checksum) = checksums.get(&key) {
            set("hashes", json!([{ "alg": "SHA-256", "content": checksum }]));
        }
        components.insert(key, component);
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "name": PROGRAM,
            "version": version_of_ours,
            "bom-ref": PROGRAM,
            "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
        } },
        "components": components.into_values().collect::<Vec<_>>(),
    }))
}

/// The checksums of packages from registries, by name and version.
fn checksums_of(lock: &str) -> Result<BTreeMap<(String, String), String>, String> {
    let lock: Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let text = |package: &toml::Value, field: &str| Some(package.get(field)?.as_str()?.to_owned());
    Ok(packages
        .filter_map(|package| Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_lists_each_crate_once() -> Result<(), String> {
        let tree = "journey-cli v0.1.0 (/x/cli)|Apache-2.0|\nclap v4.6.9|MIT OR Apache-2.0|https://example.org/clap\n\
                    serde_derive v1.0.2 (proc-macro)|MIT/Apache-2.0|\nclap v4.6.9|MIT OR Apache-2.0|https://example.org/clap\n";
        let lock = "[[package]]\nname = \"clap\"\nversion = \"4.6.9\"\nchecksum = \"ab\"\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n";
        let bill = bill_of(tree, lock)?;
        let expected = json!({
            "type": "library", "name": "clap", "version": "4.6.9", "purl": "pkg:cargo/clap@4.6.9",
            "bom-ref": "pkg:cargo/clap@4.6.9", "licenses": [{ "expression": "MIT OR Apache-2.0" }],
            "externalReferences": [{ "type": "vcs", "url": "https://example.org/clap" }],
            "hashes": [{ "alg": "SHA-256", "content": "ab" }],
        });
        assert_eq!(bill.pointer("/components/0"), Some(&expected));
        assert_eq!(bill.pointer("/components").and_then(Value::as_array).map(Vec::len), Some(2));
        assert_eq!(bill.pointer("/components/1/licenses/0/expression"), Some(&json!("MIT OR Apache-2.0")));
        assert_eq!(bill.pointer("/metadata/component/version"), Some(&json!("0.1.0")));
        Ok(())
    }
}
