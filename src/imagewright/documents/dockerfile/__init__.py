"""The language of Dockerfiles, as far as templates of container recipes speak it (CTR-02, CTR-03).

``check.load_dockerfile`` reads a text, ``evaluation.plan`` says what a build does with it.
"""
