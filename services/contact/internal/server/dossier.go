package server

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/lingkar-crm/lingkar/pkg/auth"
	"github.com/lingkar-crm/lingkar/pkg/errs"
	"github.com/lingkar-crm/lingkar/pkg/sheet"
	"github.com/lingkar-crm/lingkar/pkg/vcard"
	contactv1 "github.com/lingkar-crm/lingkar/proto/gen/go/lingkar/contact/v1"
)

// parts says who holds what of a person.
var parts = []*contactv1.DataPart{
	{Area: "contact", Complete: true, Calls: []string{"DownloadDocument"}}, // the files themselves
	{Area: "sales", Calls: []string{"ListLeads", "ListOpportunities", "ListOrders"}},
	{Area: "ticket", Calls: []string{"ListTickets", "ListMessages"}},
	{Area: "campaign", Calls: []string{"ListTouches", "ListResponses"}},
	{Area: "analytics", Calls: []string{"GetCustomerView", "ListTimeline"}},
}

// ExportContactData implements PrivacyService.
func (s *Server) ExportContactData(ctx context.Context, req *contactv1.ExportContactDataRequest) (*contactv1.ExportContactDataResponse, error) {
	if err := s.Rules.Whole(ctx, false, contactType); err != nil {
		return nil, err
	}
	data, next, err := s.Store.Dossier(ctx, auth.From(ctx).Tenant, req.GetName(), req.GetPageToken(), req.GetFormat().String())
	if err != nil {
		return nil, err
	}
	resp := &contactv1.ExportContactDataResponse{NextPageToken: next, Parts: parts}
	name := strings.TrimPrefix(req.GetName(), "contacts/")
	if data.GetContact() != nil {
		name = data.GetContact().GetCustomerId()
	}
	switch req.GetFormat() {
	case contactv1.DataFormat_DATA_FORMAT_VCARD:
		resp.MediaType, resp.FileName, resp.Content, resp.NextPageToken = "text/vcard", name+".vcf", vcard.Encode(data.GetContact()), ""
	case contactv1.DataFormat_DATA_FORMAT_CSV:
		resp.MediaType, resp.FileName = "text/csv", name+".csv"
		resp.Content, err = rows(data)
	default:
		resp.MediaType, resp.FileName = "application/json", name+".json"
		resp.Content, err = protojson.Marshal(data)
	}
	if err != nil {
		return nil, errs.Internal(err)
	}
	return resp, nil
}

// GetContactTiming implements PrivacyService.
func (s *Server) GetContactTiming(ctx context.Context, req *contactv1.GetContactTimingRequest) (*contactv1.ContactTiming, error) {
	contact, ok := strings.CutSuffix(req.GetName(), "/timing")
	if !ok {
		return nil, errs.Invalid("name", "", "must be contacts/{uuid}/timing")
	}
	return s.Store.Timing(ctx, auth.From(ctx).Tenant, contact)
}

// rows writes every value of the data as a row: its record, its field, itself.
func rows(data *contactv1.ContactData) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	if err := w.Write([]string{"record", "field", "value"}); err != nil {
		return nil, err
	}
	add := func(record string, m proto.Message) error {
		text, err := protojson.Marshal(m)
		if err != nil {
			return err
		}
		var fields map[string]any
		if err := json.Unmarshal(text, &fields); err != nil {
			return err
		}
		return flatten(fields, "", func(field, value string) error {
			return w.Write([]string{record, field, sheet.Guard(value)})
		})
	}
	for _, m := range records(data) {
		if err := add(m.GetName(), m.(proto.Message)); err != nil {
			return nil, err
		}
	}
	for i, m := range data.GetLifecycleTransitions() {
		if err := add("lifecycleTransitions/"+strconv.Itoa(i+1), m); err != nil {
			return nil, err
		}
	}
	for i, e := range data.GetAuditEntries() {
		if err := add("auditEntries/"+strconv.Itoa(i+1), e); err != nil {
			return nil, err
		}
	}
	for i, v := range data.GetFieldVerifications() {
		if err := add("fieldVerifications/"+strconv.Itoa(i+1), v); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

type namedRecord interface{ GetName() string }

// records are those of the data that have names.
func records(data *contactv1.ContactData) (all []namedRecord) {
	if data.GetContact() != nil {
		all = append(all, data.GetContact())
	}
	if data.GetLifecycle() != nil {
		all = append(all, data.GetLifecycle())
	}
	for _, m := range data.GetRelationships() {
		all = append(all, m)
	}
	for _, m := range data.GetConsents() {
		all = append(all, m)
	}
	for _, m := range data.GetInteractions() {
		all = append(all, m)
	}
	for _, m := range data.GetDocuments() {
		all = append(all, m)
	}
	for _, m := range data.GetInformationRequests() {
		all = append(all, m)
	}
	for _, m := range data.GetPortalAccesses() {
		all = append(all, m)
	}
	for _, m := range data.GetFacts() {
		all = append(all, m)
	}
	for _, m := range data.GetEmployeeRecords() {
		all = append(all, m)
	}
	return all
}

// flatten tells the values below a JSON value, each with its path.
func flatten(value any, path string, tell func(path, value string) error) error {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := flatten(v[key], strings.TrimPrefix(path+"."+key, "."), tell); err != nil {
				return err
			}
		}
		return nil
	case []any:
		for i, item := range v {
			if err := flatten(item, path+"["+strconv.Itoa(i)+"]", tell); err != nil {
				return err
			}
		}
		return nil
	}
	return tell(path, fmt.Sprint(value))
}
