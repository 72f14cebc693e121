@_exported public import ServalHTTP
// Embedding a server needs one import: the servlet API, sessions, and the types that configure connectors and TLS hosts.
@_exported public import ServalServlet
@_exported public import ServalSessions
@_exported public import ServalTLS
