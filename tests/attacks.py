"""What is promised against which attack, and the tests that attack: the table of docs/security.md.

`make tables` writes the table; tests/test_security.py holds it against this file, and this file
against the tests.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.programs import ROOT

PAGE = ROOT / "docs" / "security.md"
START, END = "<!-- attacks -->", "<!-- /attacks -->"


@dataclass(frozen=True)
class Attack:
    """An attack, what is promised against it, and the tests, each as FILE::NAME below tests/."""

    attack: str
    promise: str
    tests: Sequence[str]


BOUNDARIES: Mapping[str, Sequence[Attack]] = {
    "Strangers → hooks": [
        Attack(
            "forges a delivery",
            "nothing is read before the secret or signature of the whole body is right, compared in"
            " constant time",
            [
                "auth/test_totality.py::test_no_made_up_signature_is_accepted",
                "auth/test_hmac_signature.py::test_another_body_is_refused",
                "auth/test_secrets.py::test_no_secret_is_compared_with_an_operator",
                (
                    "usecases/test_receive.py::"
                    "test_an_unauthenticated_delivery_is_neither_read_nor_recorded"
                ),
            ],
        ),
        Attack(
            "guesses a short secret or token",
            "shorter ones than 16 characters are refused, unless `allow_weak: true` says so",
            [
                (
                    "config/test_weak_secrets.py::"
                    "test_every_scheme_refuses_a_short_secret_unless_it_is_allowed"
                ),
                ("config/test_weak_secrets.py::test_a_short_token_is_refused_unless_it_is_allowed"),
            ],
        ),
        Attack(
            "delivers through a sender without authentication what rules take from any sender",
            "such a sender must be allowed by name, and `check` warns of such rules",
            [
                "config/test_mistakes.py",
                "config/test_warnings.py::test_an_allowed_but_odd_value_is_a_warning",
            ],
        ),
        Attack(
            "signs for a topic with a certificate in a bucket named `sns` or `smn`",
            "a certificate is fetched only from the host that follows from the topic's region",
            [
                "auth/test_pinned_urls.py::test_a_bucket_named_sns_signs_for_no_topic",
                "auth/test_pinned_urls.py::test_a_bucket_named_smn_signs_for_no_topic",
                "auth/test_totality.py::test_only_a_pinned_url_is_requested",
            ],
        ),
        Attack(
            "has swrhook confirm or fetch a URL of its choice",
            "a payload chooses no URL; redirects are not followed",
            [
                "auth/test_pinned_urls.py::test_only_a_subscription_confirmation_is_confirmed",
                "sender_keys/test_provider.py::test_no_other_url_is_requested",
                "sender_keys/test_https.py::test_redirects_are_not_followed",
            ],
        ),
        Attack(
            "uses up the certificate fetches with junk",
            "each sender and host has a budget, and certificates outlive the process",
            [
                "sender_keys/test_provider.py::test_junk_for_one_sender_or_host_blocks_no_other",
                (
                    "sender_keys/test_provider.py::"
                    "test_a_certificate_outlives_the_process_and_then_needs_no_fetch"
                ),
            ],
        ),
        Attack(
            "makes an OIDC token: another algorithm, key, issuer or audience",
            "only the issuer's keys, each with its own algorithm, and every configured claim",
            [
                "auth/test_oidc.py::test_a_public_key_is_not_accepted_as_an_hmac_secret",
                "auth/test_oidc.py::test_a_key_is_accepted_only_with_its_own_algorithm",
                (
                    "auth/test_oidc.py::"
                    "test_a_token_of_another_issuer_or_for_another_audience_is_refused"
                ),
                "auth/test_oidc.py::test_every_configured_claim_is_checked",
            ],
        ),
        Attack(
            "forges its address, directly or through a proxy",
            "`X-Forwarded-For` counts only from `trusted_proxies`, and the shipped proxies set it",
            [
                "web/test_client_address.py::test_the_client_is_the_nearest_untrusted_address",
                "service/test_balancers.py::test_no_client_chooses_its_own_address",
                "service/test_hardening.py::test_an_address_is_checked_before_the_secret",
            ],
        ),
        Attack(
            "moves a request to another path with `SCRIPT_NAME` or `PATH_INFO`",
            "no header changes the path",
            ["service/test_hardening.py::test_no_header_moves_a_request_to_another_path"],
        ),
    ],
    "Strangers → the process": [
        Attack(
            "sends slowly, on many connections",
            "health answers: no thread waits for a request, and an address has a bounded number of"
            " connections",
            [
                "service/test_hardening.py::test_slow_clients_occupy_no_thread",
                (
                    "service/test_hardening.py::"
                    "test_a_sender_that_drips_is_told_400_and_others_are_served_meanwhile"
                ),
                "service/test_hardening.py::test_a_client_that_never_hangs_up_delays_nobody",
                "service/test_hardening.py::test_an_address_has_a_bounded_number_of_connections",
                "service/test_balancers.py::test_slow_clients_occupy_no_process",
                "service/test_tls.py::test_slow_handshakes_occupy_no_thread",
                "service/test_tls.py::test_slow_requests_occupy_no_thread",
                "web/test_worker_endpoint.py::test_slow_clients_occupy_no_thread",
                "web/test_worker_endpoint.py::test_connections_that_drip_keep_nobody_out",
            ],
        ),
        Attack(
            "asks for large answers, and reads them slowly or not at all",
            "no thread waits for a client that does not read",
            [
                "service/test_hardening.py::test_clients_that_do_not_read_occupy_no_thread",
                "service/test_tls.py::test_clients_that_do_not_read_occupy_no_thread",
                "service/test_response_writer.py::test_a_client_that_reads_nothing_is_not_waited_for",
                (
                    "service/test_response_writer.py::"
                    "test_the_oldest_goes_when_all_together_are_too_large"
                ),
            ],
        ),
        Attack(
            "uses up the file descriptors, or closes connections at a bad moment",
            "the process serves on",
            [
                "service/test_hardening.py::test_a_process_without_file_descriptors_serves_on",
                (
                    "service/test_gunicorn_workers.py::"
                    "test_without_a_file_descriptor_the_loop_waits_and_goes_on"
                ),
                (
                    "service/test_gunicorn_workers.py::"
                    "test_a_connection_closed_in_the_same_turn_is_not_read"
                ),
            ],
        ),
        Attack(
            "sends large, compressed, nested or endless bodies",
            "limits apply before anything is parsed",
            [
                "service/test_hardening.py::test_a_gzip_bomb_is_413",
                (
                    "service/test_hardening.py::"
                    "test_a_large_body_is_413_also_when_the_sender_goes_on_sending"
                ),
                (
                    "usecases/test_receive.py::"
                    "test_json_that_is_too_complex_is_quarantined_so_that_no_registry_repeats_it"
                ),
            ],
        ),
        Attack(
            "sends what is not HTTP, or two requests in one",
            "it is refused as a problem, and no part of it is logged",
            [
                "service/test_hardening.py::test_what_is_not_http_is_refused_as_a_problem",
                "service/test_hardening.py::test_broken_chunks_are_400",
                "service/test_hardening.py::test_nothing_of_this_is_an_error_of_ours",
            ],
        ),
        Attack(
            "sends hostile values: years, digits, surrogates, NUL, any bytes",
            "the answer is below 500, and each refusal a problem",
            [
                "web/test_hostile_input.py::test_no_parameter_of_the_api_is_an_error_of_ours",
                "web/test_hostile_input.py::test_no_body_of_the_api_is_an_error_of_ours",
                "web/test_hostile_input.py::test_no_parameter_of_a_page_is_an_error_of_ours",
                "web/test_hostile_input.py::test_no_form_of_a_page_is_an_error_of_ours",
                "dialects/test_totality.py",
            ],
        ),
    ],
    "Senders → each other": [
        Attack(
            "delivers more than its share",
            "`rate_limit`, `max_images` and `max_open` bound a sender, and work is taken in turn",
            [
                "web/test_rate_limit.py::test_every_sender_has_its_own_limit",
                "engine/test_fair_order.py",
                "worker/test_fairness.py",
            ],
        ),
        Attack(
            "announces tags of an organization that is not its own",
            "`allow.namespaces` of a sender bounds what it may announce",
            [
                (
                    "usecases/test_receive.py::"
                    "test_a_push_outside_the_senders_organizations_is_ignored_with_the_reason"
                )
            ],
        ),
        Attack(
            "announces a tag of another registry's region, or a target of its own",
            "the region is the sender's, and targets come from the rules alone",
            ["usecases/test_receive.py", "dialects/test_corpus.py"],
        ),
    ],
    "Users → API and dashboard": [
        Attack(
            "calls a route without a token, or above its role",
            "every route but hooks and health needs a token, also one that is added later",
            [
                "web/test_access.py::test_every_route_but_hooks_and_health_needs_a_token",
                "web/test_access.py::test_a_route_added_later_needs_a_token_too",
                (
                    "web/dashboard/test_pages.py::"
                    "test_the_role_read_has_no_buttons_and_cannot_use_them"
                ),
            ],
        ),
        Attack(
            "looks at another team's images with a token of its own organizations",
            "a token with `namespaces` sees and changes nothing else, on every route",
            [
                ("web/test_scope.py::test_a_limited_token_sees_and_changes_only_its_organizations"),
                "web/test_scope.py::test_every_route_has_a_check",
                "web/test_scope.py::test_a_route_added_later_refuses_a_limited_token",
            ],
        ),
        Attack(
            "guesses tokens, or locks others out by it",
            "wrong tokens are counted by address, and a right one is never locked out",
            [
                (
                    "web/dashboard/test_sign_in.py::"
                    "test_only_the_address_with_too_many_wrong_tokens_has_to_wait"
                ),
                "web/dashboard/test_sign_in.py::test_a_right_token_is_never_locked_out",
                "service/test_balancers.py::test_wrong_tokens_of_one_client_lock_nobody_else_out",
            ],
        ),
        Attack(
            "uses a token that is old, or was read in the configuration file",
            "a token may have an end, and the file its hash alone",
            [
                "web/test_access.py::test_a_token_is_valid_until_its_end",
                "web/test_access.py::test_a_token_may_be_configured_as_its_hash",
                "config/test_weak_secrets.py::test_the_hash_of_a_token_is_no_secret_in_the_file",
            ],
        ),
        Attack(
            "denies a sign-in, or hides one among many refused ones",
            "sign-ins and refused ones are in the audit log, of these a bounded number",
            [
                (
                    "web/dashboard/test_sign_in.py::"
                    "test_sign_ins_and_refused_ones_are_in_the_audit_log"
                ),
                "web/dashboard/test_sign_in.py::test_strangers_cannot_fill_the_audit_log",
            ],
        ),
        Attack(
            "forges or replays an ID token, or takes one of another issuer or client",
            "signature, issuer, audience, nonce and times are checked, and the reason is shown",
            [
                (
                    "web/dashboard/test_single_sign_on.py::"
                    "test_wrong_tokens_are_refused_with_the_reason_and_audited"
                ),
                "web/dashboard/test_single_sign_on.py::test_a_foreign_signature_is_refused",
            ],
        ),
        Attack(
            "has a victim finish a sign-in that the attacker began, or uses a code twice",
            "only the browser that began a sign-in can finish it, once (state, nonce, PKCE)",
            [
                (
                    "web/dashboard/test_single_sign_on.py::"
                    "test_only_the_browser_that_began_comes_in_and_only_once"
                )
            ],
        ),
        Attack(
            "keeps failing at the provider's callback, from the address of others",
            "a right sign-in is never locked out, and other addresses wait for none of it",
            [
                "web/dashboard/test_single_sign_on.py::test_too_many_refused_sign_ins_have_to_wait",
                "web/dashboard/test_single_sign_on.py::test_a_right_sign_in_is_never_locked_out",
                (
                    "web/dashboard/test_single_sign_on.py::"
                    "test_an_address_that_fails_often_takes_no_turn_of_others"
                ),
            ],
        ),
        Attack(
            "has a victim's browser load the callback again and again, from another page",
            "it counts as no sign-in: nobody is locked out, and the audit log gets no row",
            [
                (
                    "web/dashboard/test_single_sign_on.py::"
                    "test_pages_of_others_can_neither_lock_a_user_out_nor_fill_the_audit_log"
                )
            ],
        ),
        Attack(
            "keeps a session after sign-out or a change of the groups, or looks for its secrets",
            "it ends at once, and no token of the provider is stored or logged",
            [
                "web/dashboard/test_single_sign_on.py::test_signing_out_leads_on_to_the_provider",
                (
                    "web/dashboard/test_single_sign_on.py::"
                    "test_a_session_ends_with_its_time_its_groups_and_its_client"
                ),
                "web/dashboard/test_single_sign_on.py::test_no_secret_of_a_sign_in_is_kept_or_logged",
            ],
        ),
        Attack(
            "makes the identity provider slow, large, redirecting or wrong",
            "each answer is bounded, the page says what is wrong, and tokens still sign in",
            [
                "web/dashboard/test_single_sign_on.py::test_a_broken_provider_is_named_and_tokens_still_work",
                "sender_keys/test_https.py::test_a_slow_answer_is_cut_off_at_the_deadline",
                (
                    "web/dashboard/test_single_sign_on.py::"
                    "test_few_threads_wait_for_a_provider_that_is_slow"
                ),
            ],
        ),
        Attack(
            "stops intake with expensive queries, or a body that is expensive to show",
            "comparisons run in a process of their own, and what else computes takes turns",
            [
                "test_separate_process.py::test_it_is_ended_after_its_time_of_computing",
                "web/api/test_whatif.py::test_only_one_comparison_runs_at_a_time",
                "web/test_turns.py::test_routes_that_compute_take_turns",
                "web/test_turns.py::test_large_pages_take_turns",
                "web/test_turns.py::test_a_file_of_syncs_takes_a_turn",
                "web/test_turns.py::test_many_gaps_take_a_turn",
                "web/api/test_pending_rules.py::test_a_file_is_read_in_a_process_of_its_own",
                "web/dashboard/test_selection.py::test_a_selection_is_bounded",
                "web/api/test_senders.py::test_no_request_counts_the_deliveries_of_a_day",
                (
                    "web/dashboard/test_deliveries.py::"
                    "test_a_body_of_many_levels_is_not_indented_beyond_what_is_shown"
                ),
                "web/api/test_wait.py::test_too_many_waits_are_429_with_retry_after",
            ],
        ),
        Attack(
            "steals or plants a session: scripts, forms of other sites, plain HTTP, copies",
            "cookies are HttpOnly, of this host alone and over TLS alone; forms have a key; signing"
            " out ends every copy",
            [
                "web/test_cookies.py::test_a_cookie_over_tls_is_of_this_host_alone",
                (
                    "web/test_cookies.py::"
                    "test_a_cookie_that_plain_http_could_have_set_is_not_used_over_tls"
                ),
                "web/test_cookies.py::test_a_browser_that_used_tls_once_uses_nothing_else",
                "web/dashboard/test_security.py::test_a_form_of_another_page_is_refused",
                "web/dashboard/test_security.py::test_a_form_that_another_site_sends_is_refused",
                (
                    "web/dashboard/test_sign_in.py::"
                    "test_a_copy_of_the_cookie_is_invalid_after_signing_out"
                ),
            ],
        ),
        Attack(
            "puts markup into names and reasons, or leads a sign-in elsewhere",
            "text is shown as text under a strict policy, and a sign-in leads to this host",
            [
                "web/dashboard/test_pages.py::test_hostile_text_is_escaped",
                "web/dashboard/test_security.py::test_every_answer_has_the_protecting_headers",
                "web/dashboard/test_sign_in.py::test_signing_in_never_leads_to_another_host",
            ],
        ),
        Attack(
            "puts a formula into a name or reason that somebody downloads for a spreadsheet",
            "no cell of the file is a formula",
            ["web/dashboard/test_pages.py::test_a_cell_is_never_a_formula"],
        ),
        Attack(
            "fills the ledger with stored answers to questions",
            "only answers to writes are stored",
            ["web/test_idempotency.py::test_no_answer_of_a_query_is_stored"],
        ),
        Attack(
            "denies a write, or keeps it out of the audit log with a long name",
            "every write is in the audit log with its token, and each sync that it selected",
            [
                "web/test_audit.py::test_every_write_is_recorded_with_token_object_and_status",
                ("web/test_audit.py::test_a_long_name_does_not_keep_a_write_out_of_the_audit_log"),
                (
                    "web/dashboard/test_selection.py::"
                    "test_a_change_of_selected_syncs_is_in_the_audit_log"
                ),
            ],
        ),
    ],
    "Services of notifications → swrhook": [
        Attack(
            "leads a message to another host",
            "redirects are not followed",
            [
                "channels/test_apprise.py::test_no_redirect_to_another_host_is_followed",
                "channels/test_webhook.py::test_a_redirect_is_not_followed",
            ],
        ),
        Attack(
            "answers a byte at a time, for ever, or without end",
            "a delivery has limits of time and memory as a whole, and a channel delays no other",
            [
                "channels/test_webhook.py::test_an_answer_that_drips_is_not_waited_for",
                "channels/test_apprise.py::test_an_answer_that_never_ends_is_not_waited_for",
                "channels/test_apprise.py::test_an_answer_of_any_size_is_not_kept",
            ],
        ),
    ],
    "SWR, IAM and gateways → swrhook": [
        Attack(
            "a gateway echoes the request with its secrets, in any encoding",
            "they are hidden in errors, log and ledger",
            [
                "swr/test_redaction.py::test_a_secret_is_hidden_however_it_is_encoded",
                (
                    "swr/test_redaction.py::"
                    "test_an_echoed_signed_request_leaks_no_secret_into_errors_or_ledger"
                ),
            ],
        ),
        Attack(
            "sends huge, slow or redirecting answers, or cookies",
            "answers are bounded, redirects are not followed, cookies are not kept",
            [
                "swr/test_transport.py::test_a_response_over_the_size_limit_is_refused",
                "swr/test_transport.py::test_a_slow_response_is_a_timeout",
                "swr/test_transport.py::test_cookies_are_not_stored",
            ],
        ),
        Attack(
            "locks the account, because a wrong credential is tried again and again",
            "a refused credential is not tried again by any process until it changes",
            ["service/test_credentials.py", "swr/auth/test_lockout.py"],
        ),
    ],
    "Text → logs and terminals": [
        Attack(
            "hides or forges lines with control characters",
            "they are escaped in logs and replaced on terminals",
            [
                "test_logs.py::test_control_characters_are_escaped_in_json",
                "test_logs.py::test_control_characters_are_escaped_on_a_console",
                (
                    "cli/test_terminal.py::"
                    "test_control_characters_of_a_notice_do_not_reach_the_terminal"
                ),
                "cli/test_client.py::test_an_unexpected_response_is_reported",
                "cli/test_rules.py::test_nothing_of_an_answer_steers_the_terminal",
            ],
        ),
    ],
    "Builds and machines": [
        Attack(
            "changes a dependency",
            "every file of every package has its hash in the lock, and an SBOM lists them",
            [
                "test_supply_chain.py::test_the_bill_lists_every_pin_with_its_hashes",
                "test_repository.py::test_every_direct_dependency_is_pinned_and_has_its_reason",
            ],
        ),
        Attack(
            "finds a secret in the repository",
            "each tracked file is scanned in CI",
            [
                "test_supply_chain.py::test_no_tracked_file_has_a_secret",
                "test_supply_chain.py::test_every_kind_of_secret_is_found_and_not_printed",
            ],
        ),
        Attack(
            "reads the ledger's file on the machine, or comments kept in it",
            "only its owner may read it, and it holds no secret or comment of the configuration",
            [
                "ledger/test_ledger_in_use.py::test_only_the_owner_can_read_a_new_ledger",
                (
                    "service/test_config_reload.py::"
                    "test_a_file_that_contains_a_secret_is_used_and_not_saved"
                ),
                ("service/test_config_reload.py::test_the_last_good_configuration_has_no_comments"),
            ],
        ),
        Attack(
            "takes over a process that only records, and looks for SWR's password",
            "it needs none, and works without",
            [
                "service/test_recording_process.py::test_it_records_and_reloads_without_them",
                "service/test_recording_process.py::test_without_credentials_nothing_is_sent",
            ],
        ),
        Attack(
            "replaces the image of a program that runs beside it",
            "each can be pinned by digest",
            ["test_deploy.py::test_images_of_others_can_be_pinned_by_digest"],
        ),
        Attack(
            "connects to the process past the proxy, from another namespace of the cluster",
            "a NetworkPolicy admits the pods of its own namespace, the proxy's and Prometheus'",
            [
                "test_deploy.py::test_nobody_connects_from_everywhere",
                "test_chart.py::test_nobody_connects_from_everywhere",
                "test_chart.py::test_no_list_of_the_policy_admits_everyone",
            ],
        ),
        Attack(
            "takes over the process in its container",
            "it is not root, cannot write its code, and holds nothing else",
            [
                "test_dockerfile.py::test_no_process_of_the_service_is_root",
                "test_dockerfile.py::test_the_ledger_is_on_the_volume_and_the_code_is_not_writable",
                "test_dockerfile.py::test_the_image_holds_the_service_and_nothing_else",
            ],
        ),
    ],
}


def table() -> str:
    """Return the table of the page."""
    lines = ["| who attacks what | the attack | the promise | tests |", "|---|---|---|---|"]
    for boundary, attacks in BOUNDARIES.items():
        for attack in attacks:
            links = ", ".join(_links(attack.tests))
            lines.append(f"| {boundary} | {attack.attack} | {attack.promise} | {links} |")
    return "\n".join(lines)


def page_with(new: str) -> str:
    """Return the page's text with another table."""
    before, _, rest = PAGE.read_text().partition(START)
    return f"{before}{START}\n{new}\n{END}{rest.partition(END)[2]}"


def _links(tests: Sequence[str]) -> Iterator[str]:
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    for file in files:
        yield f"[{file.removesuffix('.py')}](../tests/{file})"


if __name__ == "__main__":
    PAGE.write_text(page_with(table()))
