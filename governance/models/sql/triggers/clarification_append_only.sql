-- Clarification: the questions, answers and comments of a review are append-only. The function is
-- in append_only.sql.
DROP TRIGGER IF EXISTS clarification_request_append_only ON governance_clarificationrequest;
CREATE TRIGGER clarification_request_append_only
    BEFORE UPDATE OR DELETE ON governance_clarificationrequest
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('clarification_request_append_only', 'question');
ALTER TABLE governance_clarificationrequest ENABLE ALWAYS TRIGGER clarification_request_append_only;
DROP TRIGGER IF EXISTS clarification_request_append_only_truncate
    ON governance_clarificationrequest;
CREATE TRIGGER clarification_request_append_only_truncate
    BEFORE TRUNCATE ON governance_clarificationrequest
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('clarification_request_append_only', 'question');
ALTER TABLE governance_clarificationrequest
    ENABLE ALWAYS TRIGGER clarification_request_append_only_truncate;

DROP TRIGGER IF EXISTS clarification_answer_append_only ON governance_clarificationanswer;
CREATE TRIGGER clarification_answer_append_only
    BEFORE UPDATE OR DELETE ON governance_clarificationanswer
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('clarification_answer_append_only', 'answer');
ALTER TABLE governance_clarificationanswer ENABLE ALWAYS TRIGGER clarification_answer_append_only;
DROP TRIGGER IF EXISTS clarification_answer_append_only_truncate ON governance_clarificationanswer;
CREATE TRIGGER clarification_answer_append_only_truncate
    BEFORE TRUNCATE ON governance_clarificationanswer
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('clarification_answer_append_only', 'answer');
ALTER TABLE governance_clarificationanswer
    ENABLE ALWAYS TRIGGER clarification_answer_append_only_truncate;

DROP TRIGGER IF EXISTS comment_append_only ON governance_contractcomment;
CREATE TRIGGER comment_append_only BEFORE UPDATE OR DELETE ON governance_contractcomment
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('comment_append_only', 'comment');
ALTER TABLE governance_contractcomment ENABLE ALWAYS TRIGGER comment_append_only;
DROP TRIGGER IF EXISTS comment_append_only_truncate ON governance_contractcomment;
CREATE TRIGGER comment_append_only_truncate BEFORE TRUNCATE ON governance_contractcomment
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('comment_append_only', 'comment');
ALTER TABLE governance_contractcomment ENABLE ALWAYS TRIGGER comment_append_only_truncate;
