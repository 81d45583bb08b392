package ch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"github.com/agrichat/agrichat/internal/fault"
)

// The server's error codes that say what to do. Whatever is not here is transient: trying again loses nothing.
const (
	codeUnknownTable      = 60
	codeUnknownDatabase   = 81
	codeReadonly          = 164
	codeTooManyParts      = 252
	codeUnknownUser       = 192
	codeWrongPassword     = 193
	codePasswordNeeded    = 194
	codeAccessDenied      = 497
	codeAuthFailed        = 516
	codeDatabaseDenied    = 291
	codeAddressDenied     = 195
	codeNoSuchColumn      = 16
	codeTypeMismatch      = 53
	codeCannotConvert     = 70
	codeCannotParseText   = 6
	codeOutOfBound        = 69
	codeTooLargeString    = 131
	codeIncorrectData     = 117
	codeCannotReadAll     = 33
	codeUnknownSetting    = 115
	codeSyntax            = 62
	codeUnknownIdentifier = 47
)

// partsDelay is how long to leave a server alone that has too many parts: a merge takes about as long.
const partsDelay = 2 * time.Second

// Classify marks err with what to do about it. Errors of ours that are marked already keep their mark; nil stays nil.
func Classify(err error) error {
	if err == nil || fault.Of(err) != fault.Transient || fault.RetryAfter(err) > 0 {
		return err
	}
	var ex *clickhouse.Exception
	if errors.As(err, &ex) {
		return classifyCode(ex.Code, err)
	}
	// What a block refuses before anything is sent will be refused again.
	var converter *column.ColumnConverterError
	var refused *column.Error
	var block *proto.BlockError
	if errors.As(err, &converter) || errors.As(err, &refused) || errors.As(err, &block) || errors.Is(err, clickhouse.ErrBatchInvalid) {
		return fault.AsPoison(err)
	}
	return err
}

func classifyCode(code int32, err error) error {
	switch code {
	case codeTooManyParts:
		return fault.AsTransient(err, partsDelay)
	case codeUnknownUser, codeWrongPassword, codePasswordNeeded, codeAuthFailed, codeAddressDenied, codeDatabaseDenied, codeAccessDenied:
		return fault.AsFatal(fmt.Errorf("%w; check the user, the password and the rights in the address", err))
	case codeUnknownDatabase, codeUnknownTable, codeNoSuchColumn, codeUnknownIdentifier:
		return fault.AsFatal(fmt.Errorf("%w; the schema is not there: run `agrichat migrate`", err))
	case codeUnknownSetting, codeReadonly, codeSyntax:
		return fault.AsFatal(fmt.Errorf("%w; the server is too old, or its user may only read", err))
	case codeTypeMismatch, codeCannotConvert, codeCannotParseText, codeOutOfBound, codeTooLargeString, codeIncorrectData:
		return fault.AsPoison(err)
	}
	return err
}

func isUnknownDatabase(err error) bool {
	var ex *clickhouse.Exception
	return errors.As(err, &ex) && ex.Code == codeUnknownDatabase
}

// explain says of a missing database what its name is; the rest of the class is Classify's.
func (db *DB) explain(err error) error {
	if isUnknownDatabase(err) {
		return fmt.Errorf("the database %q does not exist: %w", db.database, err)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("it did not answer in time: %w", err)
	}
	return err
}
