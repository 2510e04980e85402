import java.io.Reader;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.pattern.PatternReplaceCharFilter;
import org.elasticsearch.index.analysis.AbstractCharFilterFactory;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.NormalizingCharFilterFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/**
 * The stock char filters `mapping` and `pattern_replace`: they are in the analysis-common module, which has no jar of its own
 * to depend on.
 */
public class MappingPlugin extends Plugin implements AnalysisPlugin {
    private static final Pattern RULE = Pattern.compile("(.*)\\s*=>\\s*(.*)\\s*$");

    @Override
    public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
        return Map.of("pattern_replace", (settings, environment, name, config) -> {
            // Elasticsearch also makes one without settings, for whoever names it as it is.
            Pattern pattern = Pattern.compile(config.get("pattern", "(?!)"));
            String replacement = config.get("replacement", "");
            return new Factory(name, reader -> new PatternReplaceCharFilter(pattern, replacement, reader));
        }, "mapping", (settings, environment, name, config) -> {
            NormalizeCharMap.Builder builder = new NormalizeCharMap.Builder();
            List<String> rules = config.getAsList("mappings");
            for (String rule : rules) {
                Matcher matcher = RULE.matcher(rule);
                if (!matcher.find()) throw new IllegalArgumentException("invalid mapping rule: " + rule);
                builder.add(unescape(matcher.group(1).trim()), unescape(matcher.group(2).trim()));
            }
            NormalizeCharMap map = builder.build();
            return new Factory(name, reader -> new MappingCharFilter(map, reader));
        });
    }

    private static String unescape(String text) {
        return Pattern.compile("\\\\u([0-9A-Fa-f]{4})").matcher(text)
            .replaceAll(found -> Matcher.quoteReplacement("" + (char) Integer.parseInt(found.group(1), 16)));
    }

    private static class Factory extends AbstractCharFilterFactory implements NormalizingCharFilterFactory {
        private final UnaryOperator<Reader> filter;

        Factory(String name, UnaryOperator<Reader> filter) {
            super(name);
            this.filter = filter;
        }

        @Override
        public Reader create(Reader reader) {
            return filter.apply(reader);
        }
    }
}
