package stage.crypto;

import java.io.IOException;

/** There is no key to work with. */
final class MissingKeysException extends IOException {
    private static final long serialVersionUID = 1;

    MissingKeysException(String problem) {
        super(problem);
    }
}
