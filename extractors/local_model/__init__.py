"""The built-in vision model `octavo-ocr`: reads page images and fills a schema, behind the OpenAI wire protocol.

    app        the ASGI app: routes and errors
    chat       what a chat request asks, and the shapes of an answer
    reading    image bytes -> lines of text with boxes (RapidOCR, imported when the first page is read)
    lines      what was read, and what stands beside and below what
    folding    text made comparable; vocabulary: words of business documents in six languages
    amounts, evidence   printed values, by the habits of the whole document
    wanted     a JSON schema -> the fields to look for
    labels     where a field's printed names stand; candidates: the values beside them
    parties    who issued a document and whom it addresses
    tables     lists of objects: headers, the rows under them, sums between them; unheaded: rows without a head
    filling    all of them together: pages and schema -> one JSON object

It knows no document type by name, and what it does not find is null.
"""

from extractors.local_model.app import create_app, serve
from extractors.local_model.chat import MODEL_ID

__all__ = ["MODEL_ID", "create_app", "serve"]
