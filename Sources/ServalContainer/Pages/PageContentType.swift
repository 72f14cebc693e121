import Mustache

/// Escapes what pages put out for HTML, byte by byte.
///
/// The template library's own type looks at whole characters: to it `<` with a combining mark behind it, or with a character before it that joins it (U+0600), is
/// another character than `<`. Browsers see the byte.
struct PageContentType: MustacheContentType {
    /// What it is called in `{{% CONTENT_TYPE: … }}`; known to the template library from the first use on.
    static let name: String = {
        let name = "serval-html"
        MustacheContentTypes.register(PageContentType(), named: name)
        return name
    }()

    func escapeText(_ text: String) -> String { HTMLText.escaped(text) }
}
