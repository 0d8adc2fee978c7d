//! Objects with a field of the wrong type, in front of the controllers and of the printers.

use bytes::Bytes;
use http::Request;
use kubesim::actors::{Actors, Settings};
use kubesim::http::Router;
use proptest::prelude::*;

use super::objects::{object, sound, spoiled};
use super::{answered, server};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// Passes after which controllers that still write are taken to write for ever.
const MOST_PASSES: usize = 60;

fn settles(actors: &mut Actors) -> bool {
    (0..MOST_PASSES).any(|_| !actors.step())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_object_stops_a_controller_or_a_printer(damages in proptest::collection::vec(spoiled(), 1..8)) {
        let server = server();
        let router = Router::new(server.clone());
        let request = |method: &str, path: &str, body: Vec<u8>| {
            let request = Request::builder().method(method).uri(path).header("accept", TABLE);
            router.handle(request.body(Bytes::from(body)).expect("a request"))
        };
        let sound = sound();
        // The definition and the class first, so that what uses them comes as far as it can.
        for (path, value) in sound.iter().filter(|(path, _)| path.contains("definitions") || path.contains("classes")) {
            request("POST", path, value.to_string().into_bytes());
        }
        let mut actors = Actors::all(&server).with(Settings { provisioner: true, ..Settings::default() });
        for damage in &damages {
            let (path, value) = object(damage);
            request("POST", path, value.to_string().into_bytes());
            let named = format!("{path}/{}", value["metadata"]["name"].as_str().unwrap_or("x"));
            // Where admission has no word, a status may hold anything.
            if let Ok(uri) = format!("{named}/status").parse::<http::Uri>() {
                let mut body = value.clone();
                if let Some((_, with)) = &damage.1 && body.is_object() {
                    body["status"] = with.clone();
                }
                request("PUT", &uri.to_string(), body.to_string().into_bytes());
            }
            prop_assert!(settles(&mut actors), "the controllers run on after {path} {value}");
        }
        for (path, _) in &sound {
            let (status, _) = answered(request("GET", path, Vec::new()));
            prop_assert!(status.is_success(), "{path}: {status}");
        }
        let (status, _) = answered(request("DELETE", "/api/v1/namespaces/n", Vec::new()));
        prop_assert!(status.is_success() || status == 404 || status == 409, "{status}");
        prop_assert!(settles(&mut actors), "the controllers run on");
    }
}
