-- Clarification: a question is a founder's, about an ELIGIBLE contract, is asked before the review
-- ends, not by the proposer, and while no other question is open; the answer is not earlier, and not
-- from the person who asked. At commit: the review ends at `expires_at` plus the time that questions
-- waited for their answers; while a question is open the review is paused, and its end is null.
CREATE OR REPLACE FUNCTION governance_review_end(of_contract uuid) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = @schema@, pg_temp AS $$
    SELECT CASE WHEN bool_or(request.id IS NOT NULL AND answer.id IS NULL) THEN NULL
           -- In UTC every day has 24 hours; in the session's zone one may have 23 or 25.
           ELSE (contract.expires_at AT TIME ZONE 'UTC'
                 + coalesce(sum(answer.answered_at - request.asked_at), interval '0'))
                AT TIME ZONE 'UTC' END
      FROM governance_systemcontract contract
      LEFT JOIN governance_clarificationrequest request ON request.contract_id = contract.id
      LEFT JOIN governance_clarificationanswer answer ON answer.request_id = request.id
     WHERE contract.id = of_contract
     GROUP BY contract.id, contract.expires_at
$$;

CREATE OR REPLACE FUNCTION governance_clarification_in_turn() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    contract governance_systemcontract%ROWTYPE;
    question governance_clarificationrequest%ROWTYPE;
    last_number integer;
    last_answered_at timestamptz;
    is_open boolean;
BEGIN
    IF TG_ARGV[0] = 'question' THEN
        question := NEW;
    ELSE
        SELECT * INTO question FROM governance_clarificationrequest WHERE id = NEW.request_id;
    END IF;
    SELECT * INTO contract FROM governance_systemcontract
     WHERE id = question.contract_id FOR UPDATE;
    IF contract.status IS DISTINCT FROM 'ELIGIBLE' THEN
        PERFORM governance_refuse('clarification_in_turn',
            format('A contract that is %s takes no questions and no answers.', contract.status));
    END IF;

    IF TG_ARGV[0] = 'answer' THEN
        PERFORM governance_require_current(NEW.answered_at, contract.id);
        IF NEW.answered_at < question.asked_at THEN
            PERFORM governance_refuse('clarification_in_turn',
                'An answer cannot be earlier than its question.');
        END IF;
        IF NEW.answered_by_id = question.asked_by_id THEN
            PERFORM governance_refuse('clarification_four_eyes',
                'The founder who asked a question cannot answer it.');
        END IF;
        RETURN NEW;
    END IF;

    PERFORM governance_require_current(NEW.asked_at, contract.id);
    SELECT max(request.number), max(answer.answered_at), bool_or(answer.id IS NULL)
      INTO last_number, last_answered_at, is_open
      FROM governance_clarificationrequest request
      LEFT JOIN governance_clarificationanswer answer ON answer.request_id = request.id
     WHERE request.contract_id = contract.id;
    IF is_open THEN
        PERFORM governance_refuse('clarification_in_turn', 'A question is open already.');
    END IF;
    IF NEW.number <> coalesce(last_number, 0) + 1 THEN
        PERFORM governance_refuse('clarification_in_turn',
            format('The next question must have the number %s.', coalesce(last_number, 0) + 1));
    END IF;
    IF NEW.asked_at < coalesce(last_answered_at, contract.created_at)
       OR NEW.asked_at > governance_review_end(contract.id) THEN
        PERFORM governance_refuse('clarification_in_turn',
            'A question must be asked after the last answer, and before the review ends.');
    END IF;
    IF NEW.asked_by_id = contract.proposed_by_id THEN
        PERFORM governance_refuse('clarification_four_eyes',
            'The proposer of a contract cannot ask questions, which pause its review.');
    END IF;
    PERFORM governance_require_founder(NEW.asked_by_id);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION governance_contract_review_clock() RETURNS trigger
LANGUAGE plpgsql SET search_path = @schema@, pg_temp AS $$
DECLARE
    subject uuid;
    shown timestamptz;
    due timestamptz;
BEGIN
    IF TG_ARGV[0] = 'contract' THEN
        subject := NEW.id;
    ELSIF TG_ARGV[0] = 'question' THEN
        subject := NEW.contract_id;
    ELSE
        SELECT contract_id INTO subject
          FROM governance_clarificationrequest WHERE id = NEW.request_id;
    END IF;
    SELECT review_ends_at, governance_review_end(id) INTO shown, due
      FROM governance_systemcontract WHERE id = subject;
    IF shown IS DISTINCT FROM due THEN
        PERFORM governance_refuse('contract_review_clock',
            format('The end of the review must be %s, not %s.',
                   coalesce(due::text, 'empty while a question is open'),
                   coalesce(shown::text, 'empty')));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER clarification_in_turn BEFORE INSERT ON governance_clarificationrequest
    FOR EACH ROW EXECUTE FUNCTION governance_clarification_in_turn('question');

CREATE TRIGGER clarification_in_turn BEFORE INSERT ON governance_clarificationanswer
    FOR EACH ROW EXECUTE FUNCTION governance_clarification_in_turn('answer');

CREATE CONSTRAINT TRIGGER contract_review_clock
    AFTER INSERT OR UPDATE OF review_ends_at, expires_at ON governance_systemcontract
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_review_clock('contract');

CREATE CONSTRAINT TRIGGER contract_review_clock AFTER INSERT ON governance_clarificationrequest
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_review_clock('question');

CREATE CONSTRAINT TRIGGER contract_review_clock AFTER INSERT ON governance_clarificationanswer
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION governance_contract_review_clock('answer');
