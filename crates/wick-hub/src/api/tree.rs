//! The files of a commit, with what proves each.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Holds, lenient::lenient};
use crate::{
    CommitHash, Error, FileCheck, Hub, RemoteFile, RemotePath, RepoId, Result, client::host,
};

/// Most files of a repository that are looked at, and most pages they come on.
const MOST_FILES: usize = 20_000;
const MOST_PAGES: usize = 40;
/// No file is larger.
const LARGEST: u64 = 1 << 50;

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// The file.
    pub file: RemoteFile,
    /// Its name in the Hub's other storage.
    pub xet_hash: Option<String>,
}

impl Hub {
    /// All files of a commit whose names can be used, sorted by name.
    pub async fn tree(&self, repo: &RepoId, commit: &CommitHash) -> Result<Vec<TreeFile>> {
        let path = [
            "api",
            "models",
            repo.owner(),
            repo.name(),
            "tree",
            commit.as_str(),
        ];
        let url = self.endpoint().at(path);
        let mut query = "recursive=true".to_owned();
        let mut asked = BTreeSet::new();
        let mut files = Vec::new();
        for _ in 0..MOST_PAGES {
            let mut url = url.clone();
            url.set_query(Some(&query));
            let answer = self.page(url, Some(repo), Holds::Forever, read).await?;
            files.extend(answer.value);
            asked.insert(query);
            match answer.next {
                // A page that leads back to an earlier one is the last.
                Some(next) if !asked.contains(&next) && files.len() < MOST_FILES => query = next,
                _ => {
                    files.truncate(MOST_FILES);
                    files.sort_by(|one, other| one.file.path.cmp(&other.file.path));
                    files.dedup_by(|one, other| one.file.path == other.file.path);
                    return Ok(files);
                }
            }
        }
        Err(Error::BadAnswer {
            host: host(&url),
            reason: "a list of files without an end".into(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Entry {
    #[serde(rename = "type", deserialize_with = "lenient")]
    kind: String,
    #[serde(deserialize_with = "lenient")]
    oid: String,
    #[serde(deserialize_with = "lenient")]
    size: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    path: String,
    #[serde(deserialize_with = "lenient")]
    lfs: Option<Lfs>,
    #[serde(deserialize_with = "lenient")]
    xet_hash: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Lfs {
    #[serde(deserialize_with = "lenient")]
    oid: String,
    #[serde(deserialize_with = "lenient")]
    size: Option<u64>,
    #[serde(deserialize_with = "lenient")]
    pointer_size: Option<u64>,
}

fn read(body: &[u8]) -> Result<Vec<TreeFile>, String> {
    let entries: Vec<Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let entries = entries.into_iter();
    Ok(entries
        .filter_map(|entry| serde_json::from_value::<Entry>(entry).ok()?.file())
        .collect())
}

impl Entry {
    /// None for folders, names that cannot be used, and what could not be proved whole.
    fn file(self) -> Option<TreeFile> {
        if self.kind != "file" {
            return None;
        }
        let path: RemotePath = self.path.parse().ok()?;
        let (size, check) = match self.lfs {
            None => (self.size?, FileCheck::GitSha1(self.oid.parse().ok()?)),
            Some(lfs) => {
                let check = match (lfs.oid.parse(), self.oid.parse(), lfs.pointer_size) {
                    (Ok(sha256), _, _) => FileCheck::Sha256(sha256),
                    (Err(_), Ok(oid), Some(pointer_size)) => {
                        FileCheck::PointerSha1 { oid, pointer_size }
                    }
                    _ => return None,
                };
                (lfs.size.or(self.size)?, check)
            }
        };
        let is_hash =
            |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        (size <= LARGEST).then_some(TreeFile {
            file: RemoteFile { path, size, check },
            xet_hash: self.xet_hash.filter(is_hash),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_files_are_proved_by_sha256_or_by_their_pointer() {
        let (sha256, sha1, mask) = ("ab".repeat(32), "cd".repeat(20), "*".repeat(64));
        let json = format!(
            r#"[{{"type":"directory","oid":"{sha1}","size":0,"path":"original"}},
            {{"type":"file","oid":"{sha1}","size":1576,"path":"dir/config.json"}},
            {{"type":"file","oid":"{sha1}","size":3381162243,"lfs":{{"oid":"{sha256}","size":3381162243,"pointerSize":135}},"xetHash":"{sha256}","path":"a.gguf"}},
            {{"type":"file","oid":"{sha1}","size":7,"lfs":{{"oid":"{mask}","size":7,"pointerSize":131}},"xetHash":"{mask}","path":"b.gguf"}}]"#
        );
        let files = read(json.as_bytes()).unwrap();
        let checks: Vec<&FileCheck> = files.iter().map(|file| &file.file.check).collect();
        assert_eq!(files.len(), 3);
        assert_eq!(*checks[0], FileCheck::GitSha1(sha1.parse().unwrap()));
        assert_eq!(*checks[1], FileCheck::Sha256(sha256.parse().unwrap()));
        let oid = sha1.parse().unwrap();
        assert_eq!(
            *checks[2],
            FileCheck::PointerSha1 {
                oid,
                pointer_size: 131
            }
        );
        assert_eq!(
            (&files[1].xet_hash, &files[2].xet_hash),
            (&Some(sha256), &None)
        );
    }

    #[test]
    fn names_that_lead_elsewhere_are_left_out() {
        let sha1 = "cd".repeat(20);
        let entry =
            |path: &str| format!(r#"{{"type":"file","oid":"{sha1}","size":1,"path":{path:?}}}"#);
        let paths = [
            "../../escaped.gguf",
            "/etc/passwd",
            "a\\b",
            "nul.gguf",
            "ok.gguf",
            "",
            "a/../b",
        ];
        let json = format!("[{},3,null,[]]", paths.map(entry).join(","));
        let files = read(json.as_bytes()).unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].file.path.as_str(), "ok.gguf");
        assert!(read(br#"{"error":"x"}"#).is_err());
    }
}
