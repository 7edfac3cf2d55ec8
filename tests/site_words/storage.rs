//! Wrong files and addresses.

use crate::cluster::Cluster;

#[test]
fn a_mistake_in_sites_ron_is_said_once() {
    let cluster = Cluster::init("once");
    let broken = r#"sed 's/heartbeat: "50ms"/heartbeat: "1s"/' $config > $dir/broken.ron
        $site status --config $dir/broken.ron"#;
    let errors = cluster.fail(broken, 2);
    assert_eq!(errors.matches("at most half of election").count(), 1, "{errors}");
    assert_eq!(errors.matches("error").count(), 1, "{errors}");
    assert!(errors.contains("broken.ron:"), "{errors}");
}

#[test]
fn an_address_of_many_is_refused() {
    let cluster = Cluster::init("multicast");
    for (address, what) in [("224.0.0.251:7100", "multicast"), ("255.255.255.255:7100", "broadcast")] {
        let errors = cluster.fail(&format!("$site run --config $config --id 0 --listen {address}"), 2);
        assert!(errors.contains(what) && errors.contains("a site is one"), "{errors}");
        let edited = format!(r#"sed 's/address: "[^"]*"/address: "{address}"/' $config > $dir/many.ron"#);
        let errors = cluster.fail(&format!("{edited}; $site status --config $dir/many.ron"), 2);
        assert!(errors.contains(what) && errors.contains("many.ron:"), "{errors}");
    }
}

#[test]
fn a_site_on_any_free_port_prints_which_it_got() {
    let cluster = Cluster::init("free-port");
    let line = cluster.succeed("$site run --config $config --id 0 --listen 127.0.0.1:0 </dev/null");
    let (_, port) = line.trim_end().rsplit_once(", listens on 127.0.0.1:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0, "{line}");
}

#[test]
fn what_is_no_file_among_those_of_a_journal_is_named() {
    let cluster = Cluster::init("no-file");
    let segment = "$dir/site-0/segment-00000000.log";
    let refused = |change: &str, what: &str| {
        let errors = cluster.fail(&format!("{change} && timeout 20 $site run --config $config --id 0"), 1);
        assert!(errors.contains(what), "{errors}");
        let errors = cluster.fail("timeout 20 $site restore --check --backup $dir", 1);
        assert!(errors.contains(what), "{errors}");
    };
    cluster.succeed(&format!("mv {segment} $dir/kept"));
    let put = "put the file itself in its place";
    refused(
        &format!("ln -s $dir/kept {segment}"),
        "segment-00000000.log is a link, and no file; put the file",
    );
    refused(&format!("rm {segment}; mkfifo {segment}"), "segment-00000000.log is a pipe, and no file; put");
    refused(&format!("rm {segment}; mkdir {segment}"), "segment-00000000.log is a folder, and no file; put");
    cluster.succeed(&format!("rmdir {segment}; mv $dir/kept {segment}"));
    let limit = "$dir/site-0/sessions_max";
    refused(&format!("rm {limit}; mkfifo {limit}"), &format!("sessions_max is no file; {put}"));
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_no_death_by_a_signal() {
    let cluster = Cluster::init("file-limit");
    // A limit in blocks of 1,024 bytes, smaller than a file of the journal.
    let errors = cluster.fail("ulimit -f 100; $site run --config $config --id 0 --headless", 1);
    let cure = "raise the limit on the size of files (`ulimit -f`";
    assert!(errors.contains("failed to use segment-00000001.log: the disk failed"), "{errors}");
    assert!(errors.contains(cure), "{errors}");
    // A key that cannot be written is not in the way of the next try.
    let key = "$site client-key --number 7 --config $config -o $dir/client-7.key";
    cluster.fail(&format!("ulimit -f 0; {key}"), 2);
    cluster.succeed(key);
}
