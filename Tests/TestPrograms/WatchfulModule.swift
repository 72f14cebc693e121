import Foundation

/// A PKCS#11 module that passes everything on to SoftHSM and ends the process with SIGABRT when that treats it badly at its end.
///
/// So it does when it is finalized while a call is inside it, and when the exit handlers run while a thread that has called it has not ended altogether: what
/// OpenSSL frees at the end of a thread is freed a second time then. It goes by these variables of the environment:
/// - `WATCHFUL_END`: for how many milliseconds a thread that has called it takes to end.
/// - `WATCHFUL_SIGN`: a file that says how many milliseconds a signature takes, once it is there; `.mark` is added to its name for a file that is made when
///   such a signature is under way.
public enum WatchfulModule {
    /// Where it is; made by the first who asks.
    public static var path: String { get throws { try Self.binary.get().path } }

    private static let binary = Result { () throws -> URL in
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-watchful-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = folder.appendingPathComponent("watchful.c")
        try Data(WatchfulModule.code.utf8).write(to: source)
        let binary = folder.appendingPathComponent("watchful.so")
        let include = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Sources/CPKCS11/include").standardized.path
        let compiler = ChildProcess()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = ["clang", "-shared", "-fPIC", "-O0", "-I", include, "-o", binary.path, source.path, "-ldl", "-lpthread"]
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw CocoaError(.executableLoad) }
        return binary
    }

    private static let code = #"""
        #define _GNU_SOURCE
        #include <CPKCS11.h>
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <pthread.h>
        #include <stdatomic.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        static CK_FUNCTION_LIST *soft;
        static CK_FUNCTION_LIST list;
        static pthread_key_t key;
        static atomic_int inside, begun, ended, is_started;

        static void wait_for(const char *milliseconds) { usleep((useconds_t)atoi(milliseconds) * 1000u); }
        static void sign_slowly(const char *path) {
            char text[16] = {0}, mark[4096] = {0};
            int file = open(path, O_RDONLY);
            if (file < 0) return;
            if (read(file, text, 15) > 0 && strlen(path) < 4000) {
                strcat(strcpy(mark, path), ".mark");
                close(open(mark, O_CREAT | O_WRONLY, 0600));
                wait_for(text);
            }
            close(file);
        }
        static void complain(const char *text) {
            if (write(2, text, strlen(text)) >= 0) abort();
            abort();
        }
        static void thread_ends(void *value) {
            if (getenv("WATCHFUL_END")) wait_for(getenv("WATCHFUL_END"));
            ended++;
        }
        static void enter(void) {
            inside++;
            if (pthread_getspecific(key)) return;
            pthread_setspecific(key, &key);
            begun++;
        }
        static CK_RV leave(CK_RV code) {
            inside--;
            return code;
        }
        static CK_RV Initialize(void *a) { enter(); is_started = 1; return leave(soft->C_Initialize(a)); }
        static CK_RV Finalize(void *a) {
            if (inside > 0) complain("watchful: finalized while a call is under way\n");
            enter();
            is_started = 0;
            return leave(soft->C_Finalize(a));
        }
        static CK_RV GetSlotList(CK_BBOOL p, CK_SLOT_ID *s, CK_ULONG *c) { enter(); return leave(soft->C_GetSlotList(p, s, c)); }
        static CK_RV OpenSession(CK_SLOT_ID s, CK_FLAGS f, void *a, void *n, CK_SESSION_HANDLE *h) { enter(); return leave(soft->C_OpenSession(s, f, a, n, h)); }
        static CK_RV FindObjectsInit(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG c) { enter(); return leave(soft->C_FindObjectsInit(s, t, c)); }
        static CK_RV SignInit(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE k) { enter(); return leave(soft->C_SignInit(s, m, k)); }
        static CK_RV Sign(CK_SESSION_HANDLE s, const CK_BYTE *d, CK_ULONG l, CK_BYTE *g, CK_ULONG *gl) {
            enter();
            if (getenv("WATCHFUL_SIGN")) sign_slowly(getenv("WATCHFUL_SIGN"));
            return leave(soft->C_Sign(s, d, l, g, gl));
        }
        __attribute__((destructor)) static void exits(void) {
            if (is_started) complain("watchful: exit handlers run, and it was not finalized\n");
            if (begun != ended) complain("watchful: exit handlers run, and a thread has not ended\n");
        }
        CK_RV C_GetFunctionList(CK_FUNCTION_LIST **result) {
            void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
            CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
            if (!get || get(&soft) != CKR_OK) return 5;
            pthread_key_create(&key, thread_ends);
            list = *soft;
            list.C_Initialize = Initialize, list.C_Finalize = Finalize, list.C_GetSlotList = GetSlotList, list.C_OpenSession = OpenSession;
            list.C_FindObjectsInit = FindObjectsInit, list.C_SignInit = SignInit, list.C_Sign = Sign;
            *result = &list;
            return CKR_OK;
        }
        """#
}
