package server

import (
	"github.com/lingkar-crm/lingkar/pkg/portal"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// Window is what of the area is open to a contact itself, through a portal (PLT-01): what
// it said of itself and what it was told. What the staff notes, rates and assigns is not,
// nor who of them did what.
//
// It writes how and where it wishes to be reached. Its names, roles and identifiers it does
// not: by these it is recognised, and whoever runs the portal changes them once it has seen
// that they are right.
var Window = portal.NewWindow(
	portal.Shows(&contactv1.Contact{}, "name", "customer_id", "kind", "display_name", "given_name", "family_name", "organisation_name",
		"job_title", "birthday", "identifiers", "addresses", "preference", "roles", "language_code", "region_code",
		"no_third_party_sharing", "create_time", "update_time", "etag", "restrict_time", "merged_into"),
	portal.Shows(&contactv1.Identifier{}, "kind", "value", "label", "extension", "primary"),
	portal.Shows(&contactv1.Address{}, address...),
	portal.Shows(&contactv1.ContactPreference{}, preference...),
	portal.Shows(&contactv1.Role{}, "kind", "start_time", "end_time"),
	portal.Takes(&contactv1.GetContactRequest{}, "name", "read_mask"),
	portal.Takes(&contactv1.UpdateContactRequest{}, "contact", "update_mask", "request_id", "validate_only"),
	portal.Takes(&contactv1.Contact{}, "name", "etag", "addresses", "preference", "language_code", "no_third_party_sharing"),
	portal.Takes(&contactv1.Address{}, address...),
	portal.Takes(&contactv1.ContactPreference{}, preference...),

	portal.Shows(&contactv1.PortalSession{}, "name", "contact", "merged_contacts", "roles"),
	portal.Takes(&contactv1.GetPortalSessionRequest{}, "name"),

	portal.Shows(&contactv1.Consent{}, "name", "contact", "purpose", "channel", "state", "text_version", "occurred_at", "expire_time", "create_time", "etag"),
	portal.Shows(&contactv1.ListConsentsResponse{}, "consents", "next_page_token"),
	portal.Shows(&contactv1.CheckConsentResponse{}, "allowed", "reason", "proof", "check_time", "legal_basis"),
	portal.Takes(&contactv1.Consent{}, "contact", "purpose", "channel", "text_version"),
	portal.Takes(&contactv1.GrantConsentRequest{}, "consent", "request_id", "validate_only"),
	portal.Takes(&contactv1.RevokeConsentRequest{}, "consent", "request_id", "validate_only"),
	portal.Takes(&contactv1.ObjectToProcessingRequest{}, "consent", "request_id", "validate_only"),
	portal.Takes(&contactv1.GetConsentRequest{}, "name", "read_mask"),
	portal.Takes(&contactv1.ListConsentsRequest{}, "page_size", "page_token", "filter", "order_by", "read_mask", "contact"),
	portal.Takes(&contactv1.CheckConsentRequest{}, "contact", "purpose", "channel"),

	portal.Shows(&contactv1.Publication{}, "name", "kind", "audience", "code", "language_code", "title", "body", "uri", "author",
		"start_date", "end_date", "publish_time", "version"),
	portal.Shows(&contactv1.ListPublicationsResponse{}, "publications", "next_page_token"),
	portal.Takes(&contactv1.GetPublicationRequest{}, "name", "read_mask"),
	portal.Takes(&contactv1.ListPublicationsRequest{}, "page_size", "page_token", "filter", "order_by", "read_mask"),

	portal.Shows(&contactv1.InformationRequest{}, "name", "contact", "channel", "subject", "question", "state", "answer", "publications",
		"answer_time", "create_time", "update_time", "etag"),
	portal.Shows(&contactv1.ListInformationRequestsResponse{}, "information_requests", "next_page_token"),
	portal.Takes(&contactv1.InformationRequest{}, "contact", "channel", "subject", "question"),
	portal.Takes(&contactv1.CreateInformationRequestRequest{}, "information_request", "request_id", "validate_only"),
	portal.Takes(&contactv1.GetInformationRequestRequest{}, "name", "read_mask"),
	portal.Takes(&contactv1.ListInformationRequestsRequest{}, "page_size", "page_token", "filter", "order_by", "read_mask", "contact"),

	portal.Shows(&contactv1.Fact{}, "name", "contact", "kind", "channel", "observed_at", "title", "investor_feedback", "create_time"),
	portal.Shows(&contactv1.InvestorFeedback{}, "topic", "text", "sentiment"),
	portal.Takes(&contactv1.Fact{}, "contact", "source", "channel", "investor_feedback"),
	portal.Takes(&contactv1.InvestorFeedback{}, "topic", "text", "sentiment"),
	portal.Takes(&contactv1.RecordFactRequest{}, "fact", "request_id", "validate_only"),
)

// The fields of what a contact says of itself as a whole.
var (
	address    = []string{"label", "lines", "locality", "administrative_area", "postal_code", "region_code", "country"}
	preference = []string{"channel", "hours", "time_zone", "place"}
)
