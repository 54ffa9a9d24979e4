module github.com/lingkar-crm/lingkar/deploy/tools/lint

go 1.26.7
