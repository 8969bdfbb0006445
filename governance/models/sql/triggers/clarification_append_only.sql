-- Clarification: the questions, answers and comments of a review are append-only. The function is
-- in append_only.sql.
CREATE TRIGGER clarification_request_append_only
    BEFORE UPDATE OR DELETE ON governance_clarificationrequest
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('clarification_request_append_only', 'question');
CREATE TRIGGER clarification_request_append_only_truncate
    BEFORE TRUNCATE ON governance_clarificationrequest
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('clarification_request_append_only', 'question');

CREATE TRIGGER clarification_answer_append_only
    BEFORE UPDATE OR DELETE ON governance_clarificationanswer
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('clarification_answer_append_only', 'answer');
CREATE TRIGGER clarification_answer_append_only_truncate
    BEFORE TRUNCATE ON governance_clarificationanswer
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('clarification_answer_append_only', 'answer');

CREATE TRIGGER comment_append_only BEFORE UPDATE OR DELETE ON governance_contractcomment
    FOR EACH ROW
    EXECUTE FUNCTION governance_append_only('comment_append_only', 'comment');
CREATE TRIGGER comment_append_only_truncate BEFORE TRUNCATE ON governance_contractcomment
    FOR EACH STATEMENT
    EXECUTE FUNCTION governance_append_only('comment_append_only', 'comment');
