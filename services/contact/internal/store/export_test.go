package store

// FindEmployeesSQL is the statement of FindEmployees.
const FindEmployeesSQL = findEmployees
