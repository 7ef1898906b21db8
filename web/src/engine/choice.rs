//! Which engine to take, and why.

use serde::Deserialize;

/// A kind of engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The native binary, over a WebSocket.
    Server,
    /// WebAssembly with WebGPU, in a worker.
    WebGpu,
    /// WebAssembly on the CPU, in a worker.
    Cpu,
}

impl Kind {
    /// All kinds, in the order of preference.
    pub const ALL: [Kind; 3] = [Kind::Server, Kind::WebGpu, Kind::Cpu];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Server => "Native server",
            Kind::WebGpu => "WebGPU",
            Kind::Cpu => "CPU",
        }
    }

    /// One line: where the computing happens.
    pub fn place(self) -> &'static str {
        match self {
            Kind::Server => "the machine that serves this page",
            Kind::WebGpu => "this device's GPU, in the browser",
            Kind::Cpu => "this device's processor, in the browser",
        }
    }

    /// The word in addresses and attributes.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Server => "server",
            Kind::WebGpu => "webgpu",
            Kind::Cpu => "cpu",
        }
    }
}

/// What the visitor or the address asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// The best that works.
    #[default]
    Auto,
    /// This one; another only if it does not work.
    Only(Kind),
}

impl Wanted {
    /// Reads `auto`, `cpu`, `webgpu` or `server`; anything else is `auto`.
    pub fn parse(text: &str) -> Wanted {
        Kind::ALL.into_iter().find(|k| k.word() == text).map_or(Wanted::Auto, Wanted::Only)
    }

    /// The word in addresses and attributes.
    pub fn word(self) -> &'static str {
        match self {
            Wanted::Auto => "auto",
            Wanted::Only(kind) => kind.word(),
        }
    }
}

/// What `build.json` says about one engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildState {
    /// It can be fetched.
    Ready,
    /// It is being built.
    Building,
    /// Its build failed.
    Failed,
    /// It was not asked for.
    #[default]
    #[serde(other)]
    Missing,
}

/// `build.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Build {
    /// Version of the site.
    pub version: String,
    /// State of each engine.
    pub engines: Engines,
}

/// The worker engines of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Engines {
    /// The one on the CPU.
    pub cpu: BuildState,
    /// The one with WebGPU.
    pub webgpu: BuildState,
}

impl Build {
    /// State of a worker engine.
    pub fn state(&self, kind: Kind) -> BuildState {
        if kind == Kind::WebGpu { self.engines.webgpu } else { self.engines.cpu }
    }

    /// True while something is being built.
    pub fn building(&self) -> bool {
        [self.engines.cpu, self.engines.webgpu].contains(&BuildState::Building)
    }
}

/// What is known before anything is tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `None` if there was no `build.json`: then the engines are assumed to be there.
    pub build: Option<Build>,
    /// The page came with a token, and `server.json` answered.
    pub server: bool,
    /// `navigator.gpu` exists.
    pub gpu: bool,
    /// WebGPU is only offered to secure pages (https or localhost).
    pub secure: bool,
    /// The visitor asks for small downloads.
    pub save_data: bool,
}

/// An engine that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Which.
    pub kind: Kind,
    /// A sentence.
    pub reason: String,
}

/// Whether an engine could be tried.
///
/// # Errors
/// The reason why not, as a sentence.
pub fn offer(kind: Kind, facts: &Facts) -> Result<(), String> {
    match kind {
        Kind::Server if !facts.server => {
            return Err("This page does not come from `lowshot serve`.".to_owned());
        }
        Kind::Server => return Ok(()),
        Kind::WebGpu if !facts.gpu && !facts.secure => {
            return Err("Browsers offer WebGPU only over https or on localhost.".to_owned());
        }
        Kind::WebGpu if !facts.gpu => return Err("This browser does not offer WebGPU.".to_owned()),
        Kind::WebGpu | Kind::Cpu => {}
    }
    match facts.build.as_ref().map(|b| b.state(kind)) {
        None | Some(BuildState::Ready) => Ok(()),
        Some(BuildState::Building) => Err("Still being built; it will be offered here.".to_owned()),
        Some(BuildState::Failed) => Err("Its build failed; the terminal says why.".to_owned()),
        Some(BuildState::Missing) => Err("This site was built without it.".to_owned()),
    }
}

/// The engines to try, one after the other, and those that are out from the beginning.
pub fn plan(wanted: Wanted, facts: &Facts) -> (Vec<Kind>, Vec<Tried>) {
    let mut out = Vec::new();
    let mut tried = Vec::new();
    for kind in Kind::ALL {
        let asked = match wanted {
            Wanted::Auto => true,
            // The CPU is what is left when anything else fails.
            Wanted::Only(only) => only == kind || kind == Kind::Cpu,
        };
        if !asked {
            continue;
        }
        match offer(kind, facts) {
            // A page that no server stands behind has nothing to explain.
            Err(_) if kind == Kind::Server && wanted == Wanted::Auto => {}
            Err(reason) => tried.push(Tried { kind, reason }),
            Ok(()) if kind == Kind::WebGpu && wanted == Wanted::Auto && facts.save_data => {
                let reason = "Your browser asks for small downloads; switch by hand to fetch it.".to_owned();
                tried.push(Tried { kind, reason });
            }
            Ok(()) => out.push(kind),
        }
    }
    (out, tried)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        let build = r#"{"version": "1", "engines": {"cpu": "ready", "webgpu": "ready"}, "sizes": {}}"#;
        let build = Some(serde_json::from_str(build).unwrap());
        Facts { build, server: true, gpu: true, secure: true, save_data: false }
    }

    #[test]
    fn auto_goes_from_server_to_gpu_to_cpu() {
        assert_eq!(plan(Wanted::Auto, &facts()).0, Kind::ALL);
        let (kinds, tried) = plan(Wanted::Auto, &Facts { server: false, gpu: false, ..facts() });
        assert_eq!(kinds, [Kind::Cpu]);
        assert_eq!(tried.len(), 1);
        assert!(tried[0].reason.contains("does not offer WebGPU"));
    }

    #[test]
    fn a_choice_by_hand_falls_back_to_the_cpu_only() {
        assert_eq!(plan(Wanted::Only(Kind::WebGpu), &facts()).0, [Kind::WebGpu, Kind::Cpu]);
        assert_eq!(plan(Wanted::Only(Kind::Cpu), &facts()).0, [Kind::Cpu]);
        let saving = Facts { save_data: true, server: false, ..facts() };
        assert_eq!(plan(Wanted::Auto, &saving).0, [Kind::Cpu]);
        assert_eq!(plan(Wanted::Only(Kind::WebGpu), &saving).0, [Kind::WebGpu, Kind::Cpu]);
    }

    #[test]
    fn what_is_being_built_says_so() {
        let mut facts = facts();
        let build = facts.build.as_mut().unwrap();
        build.engines.webgpu = BuildState::Building;
        assert!(build.building());
        assert!(offer(Kind::WebGpu, &facts).unwrap_err().contains("being built"));
        let unknown: Build = serde_json::from_str(r#"{"engines": {"cpu": "weird"}}"#).unwrap();
        assert_eq!(unknown.state(Kind::Cpu), BuildState::Missing);
        assert_eq!(offer(Kind::Cpu, &Facts { build: None, ..facts.clone() }), Ok(()));
    }

    #[test]
    fn words_round_trip() {
        for word in ["auto", "cpu", "webgpu", "server"] {
            assert_eq!(Wanted::parse(word).word(), word);
        }
        assert_eq!(Wanted::parse("cuda"), Wanted::Auto);
    }
}
