-- LEDGER, at commit: every question and every answer of a review has its ledger entry, and every
-- such entry has its row. (For a new entry ledger_covers_update.sql calls the function.)
CREATE OR REPLACE FUNCTION governance_require_clarification_entries(subject uuid) RETURNS void
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    questions integer;
    answers integer;
    question_entries integer;
    answer_entries integer;
BEGIN
    SELECT count(request.id), count(answer.id) INTO questions, answers
      FROM governance_clarificationrequest request
      LEFT JOIN governance_clarificationanswer answer ON answer.request_id = request.id
     WHERE request.contract_id = subject;
    SELECT count(*) FILTER (WHERE event = 'contract.review.clarification_requested'),
           count(*) FILTER (WHERE event = 'contract.review.clarified')
      INTO question_entries, answer_entries
      FROM governance_ledgerentry WHERE contract_id = subject;
    IF (questions, answers) <> (question_entries, answer_entries) THEN
        PERFORM governance_refuse('ledger_covers_clarification',
            format('The contract has %s questions and %s answers, but ledger entries of %s and %s.',
                   questions, answers, question_entries, answer_entries));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION governance_ledger_covers_clarification() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    subject uuid;
BEGIN
    IF TG_ARGV[0] = 'answer' THEN
        SELECT contract_id INTO subject
          FROM governance_clarificationrequest WHERE id = NEW.request_id;
    ELSE
        subject := NEW.contract_id;
    END IF;
    PERFORM governance_require_clarification_entries(subject);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_covers_clarification
    AFTER INSERT ON governance_clarificationrequest
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_clarification('question');

CREATE CONSTRAINT TRIGGER ledger_covers_clarification AFTER INSERT ON governance_clarificationanswer
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_ledger_covers_clarification('answer');
